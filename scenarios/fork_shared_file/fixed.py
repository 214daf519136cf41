"""Two forked workers read in one file, which each of them opens: each has a position of its own."""

# methods: fork

import tempfile
from multiprocessing import Barrier, Process

from stage import meet, use_start_method

SIZE = 20_000


def read_record(name, number, everybody):
    with open(name, "rb") as table:
        table.seek(number * SIZE)
        meet(everybody)
        table.read(SIZE)
        meet(everybody)


if __name__ == "__main__":
    use_start_method()
    everybody = Barrier(2)
    with tempfile.NamedTemporaryFile() as table:
        table.write(bytes(4 * SIZE))
        table.flush()
        readers = [Process(target=read_record, args=(table.name, number, everybody)) for number in (1, 2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
