"""Results that nobody asks for take their exceptions along: half of the pages were never stored."""

from multiprocessing import Pool

from stage import use_start_method


def store(page):
    if page % 2:
        raise ValueError(f"page {page} is empty")
    return page


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for page in range(4):
            pool.apply_async(store, (page,))  # expect: future-exception-unread
        pool.close()
        pool.join()
    print("stored")
