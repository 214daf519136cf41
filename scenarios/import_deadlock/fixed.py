"""A module starts a pool when it is asked for what the pool computes, long after its import."""

# methods: fork

import lazy_prices

if __name__ == "__main__":
    print(lazy_prices.table())
