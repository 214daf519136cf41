"""A pool's workers are replaced after so many tasks."""

# methods: spawn forkserver
# since: 3.11

from stage import context


def square(number):
    return number * number


if __name__ == "__main__":
    with context().Pool(1, maxtasksperchild=10) as pool:
        print(pool.map(square, range(5)))
