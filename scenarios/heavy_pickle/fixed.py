"""Every worker gets the table once, when it starts."""

from multiprocessing import Pool

from stage import use_start_method

table = []


def get_ready(numbers):
    table.extend(numbers)


def count_above(limit):
    return sum(number > limit for number in table[:1000])


if __name__ == "__main__":
    use_start_method()
    numbers = [number / 7 for number in range(400_000)]
    with Pool(2, get_ready, (numbers,)) as pool:
        print(sum(pool.imap(count_above, range(120))))
