"""The values of a long linked list are sent to a worker as a list."""

from multiprocessing import Pool

from stage import use_start_method


class Node:
    def __init__(self, value, following):
        self.value = value
        self.following = following


def build(count):
    node = None
    for value in range(count):
        node = Node(value, node)
    return node


def values(node):
    while node:
        yield node.value
        node = node.following


def head(numbers):
    return numbers[0]


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        print(pool.apply(head, (list(values(build(20_000))),)))
