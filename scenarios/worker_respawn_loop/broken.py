"""Workers cannot find the function of their tasks and die of that; the pool replaces them for ever."""

# hangs: yes
# methods: spawn forkserver

from multiprocessing import Pool

from stage import use_start_method

if __name__ == "__main__":

    def double(number):
        return 2 * number

    use_start_method()
    with Pool(2) as pool:
        print(pool.map(double, range(100), chunksize=1))  # expect: worker-respawn-loop
