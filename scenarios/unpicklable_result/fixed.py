"""A worker returns a list."""

from multiprocessing import Pool

from stage import use_start_method


def read_rows(text):
    return [line.split(",") for line in text.splitlines()]


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for rows in pool.map(read_rows, ["a,1\nb,2", "c,3"]):
            print(list(rows))
