"""Every task carries the same large table to its worker."""

from multiprocessing import Pool

from stage import use_start_method


def count_above(task):
    table, limit = task
    return sum(number > limit for number in table[:1000])


if __name__ == "__main__":
    use_start_method()
    table = [number / 7 for number in range(400_000)]
    with Pool(2) as pool:
        tasks = ((table, limit) for limit in range(120))
        print(sum(pool.imap(count_above, tasks)))  # expect: heavy-pickle
