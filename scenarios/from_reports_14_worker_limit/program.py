"""After python/cpython#115634: an executor whose worker may do two tasks does two, ends its worker, and starts no other.

The first task ends before the third is submitted: the executor takes the worker for idle, and counts on it later.
"""

# hangs: yes
# methods: spawn forkserver
# since: 3.11

from concurrent.futures import ProcessPoolExecutor

from stage import context


def square(number):
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=context(), max_tasks_per_child=2) as executor:  # expect: known-python-bug verdict=likely
        futures = [executor.submit(square, number) for number in range(6)]
        for future in futures:
            print(future.result(), flush=True)  # expect: known-python-bug waiter verdict=likely
