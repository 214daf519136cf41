"""Each result is asked for, and the pages that could not be stored are named."""

from multiprocessing import Pool

from stage import use_start_method


def store(page):
    if page % 2:
        raise ValueError(f"page {page} is empty")
    return page


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for result in [pool.apply_async(store, (page,)) for page in range(4)]:
            try:
                result.get()
            except ValueError as error:
                print(error)
        pool.close()
        pool.join()
    print("stored")
