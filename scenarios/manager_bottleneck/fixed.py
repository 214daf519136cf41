"""Three workers count words in dicts of their own, and hand them over once."""

from multiprocessing import Manager, Pool

from stage import use_start_method


def count(counts, name):
    mine = {}
    for number in range(9000):
        word = f"{name}{number % 10}"
        mine[word] = mine.get(word, 0) + 1
    counts.update(mine)


if __name__ == "__main__":
    use_start_method()
    with Manager() as manager, Pool(3) as pool:
        counts = manager.dict()
        pool.starmap(count, [(counts, name) for name in "abc"])
        print(sum(counts.values()))
