"""The initializer of a pool does without the setting that is missing."""

from multiprocessing import Pool

from stage import use_start_method

SETTINGS = {"host": "localhost"}


def connect():
    global port
    port = SETTINGS.get("port", 80)


def send(number):
    return port + number


if __name__ == "__main__":
    use_start_method()
    with Pool(2, initializer=connect) as pool:
        print(pool.map(send, range(3)))
