"""Managers with classes, generators and functions of their own, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#examples
"""

import operator
from multiprocessing.managers import BaseManager, BaseProxy

from stage import context


class Greeter:
    def hello(self):
        return "hello from the manager"

    def _secret(self):
        return "a secret"


def squares():
    for number in range(6):
        yield number * number


class GeneratorProxy(BaseProxy):
    _exposed_ = ["__next__"]

    def __iter__(self):
        return self

    def __next__(self):
        return self._callmethod("__next__")


def operators():
    return operator


class Toolbox(BaseManager):
    pass


Toolbox.register("Greeter", Greeter)
Toolbox.register("OpenGreeter", Greeter, exposed=("hello", "_secret"))
Toolbox.register("squares", squares, proxytype=GeneratorProxy)
Toolbox.register("operators", operators)

if __name__ == "__main__":
    with Toolbox(ctx=context()) as toolbox:
        print(toolbox.Greeter().hello())
        greeter = toolbox.OpenGreeter()
        print(greeter.hello(), greeter._secret())
        print(list(toolbox.squares()))
        tools = toolbox.operators()
        print(tools.add(23, 45), tools.pow(2, 10))
