"""A worker raises an exception that the parent cannot rebuild: the pool's thread that reads results dies of it."""

# hangs: yes

from multiprocessing import Pool

from stage import use_start_method


class ParseError(Exception):
    def __init__(self, path, line):
        super().__init__(f"{path}, line {line}")


def parse(path):
    if path.endswith(".bin"):
        raise ParseError(path, 1)  # expect: exception-loses-args
    return len(path)


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        try:
            print(pool.map(parse, ["a.txt", "b.bin"], chunksize=1))  # expect: exception-loses-args waiter
        except ParseError as error:
            print("cannot parse", error)
