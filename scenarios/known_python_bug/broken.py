"""An executor's workers are replaced after so many tasks, which Python 3.11 to 3.13 do wrong; this time it goes well."""

# methods: spawn forkserver
# since: 3.11

from concurrent.futures import ProcessPoolExecutor

from stage import context


def square(number):
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=context(), max_tasks_per_child=10) as executor:  # expect: known-python-bug verdict=possible
        print(list(executor.map(square, range(5))))
