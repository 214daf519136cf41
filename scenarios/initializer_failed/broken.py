"""The initializer of a pool raises in every worker; the pool starts workers for ever, and map() waits."""

# hangs: yes

from multiprocessing import Pool

from stage import use_start_method

SETTINGS = {"host": "localhost"}


def connect():
    global port
    port = SETTINGS["port"]  # expect: initializer-failed


def send(number):
    return port + number


if __name__ == "__main__":
    use_start_method()
    with Pool(2, initializer=connect) as pool:
        print(pool.map(send, range(3)))
