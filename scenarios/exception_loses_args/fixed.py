"""A worker raises an exception that keeps its arguments, so that the parent can rebuild it."""

from multiprocessing import Pool

from stage import use_start_method


class ParseError(Exception):
    def __init__(self, path, line):
        super().__init__(path, line)


def parse(path):
    if path.endswith(".bin"):
        raise ParseError(path, 1)
    return len(path)


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        try:
            print(pool.map(parse, ["a.txt", "b.bin"], chunksize=1))
        except ParseError as error:
            print("cannot parse", error)
