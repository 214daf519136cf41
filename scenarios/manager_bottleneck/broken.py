"""Three workers count words in a dict of a manager, a call or two for each word."""

from multiprocessing import Manager, Pool

from stage import use_start_method


def count(counts, name):
    for number in range(9000):
        word = f"{name}{number % 10}"
        counts[word] = counts.get(word, 0) + 1  # expect: manager-bottleneck


if __name__ == "__main__":
    use_start_method()
    with Manager() as manager, Pool(3) as pool:
        counts = manager.dict()
        pool.starmap(count, [(counts, name) for name in "abc"])
        print(sum(counts.values()))
