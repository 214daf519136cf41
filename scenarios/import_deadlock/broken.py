"""A module starts a pool in its body: the worker imports the module, whose import is not finished, nor ever will be."""

# hangs: yes
# methods: fork

import prices  # expect: import-deadlock

if __name__ == "__main__":
    print(prices.TABLE)
