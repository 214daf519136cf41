"""Tasks of a pool append to a list of the module, which stays empty in the parent: a question that comes again and again."""

# root: global-lost-update

from multiprocessing import Pool

from stage import use_start_method

rows = []


def parse(number):
    rows.append(number * number)  # expect: global-lost-update verdict=likely


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        pool.map(parse, range(8))
    print(len(rows), "rows")
