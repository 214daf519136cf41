"""Two forked workers seek and read in one open file: the position is the same for both, and each reads what the other sought."""

# methods: fork

import tempfile
from multiprocessing import Barrier, Process

from stage import meet, use_start_method

SIZE = 20_000


def read_record(table, number, everybody):
    table.seek(number * SIZE)
    meet(everybody)
    table.read(SIZE)  # expect: fork-shared-handle verdict=likely
    meet(everybody)


if __name__ == "__main__":
    use_start_method()
    everybody = Barrier(2)
    with tempfile.TemporaryFile() as table:
        table.write(bytes(4 * SIZE))
        table.flush()
        readers = [Process(target=read_record, args=(table, number, everybody)) for number in (1, 2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
