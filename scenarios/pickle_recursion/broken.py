"""A long linked list is sent to a worker: pickling it goes down a level for each of its members."""

# exit: 1

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


def head(node):
    return node.value


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        print(pool.apply(head, (build(20_000),)))  # expect: pickle-recursion names=following
