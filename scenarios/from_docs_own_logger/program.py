"""multiprocessing's own logger, turned up, after its documentation.

https://docs.python.org/3/library/multiprocessing.html#logging
"""

import logging
import multiprocessing

from stage import context, use_start_method

if __name__ == "__main__":
    use_start_method()
    logger = multiprocessing.get_logger()
    logger.addHandler(logging.NullHandler())
    logger.setLevel(multiprocessing.util.SUBDEBUG)
    logger.warning("doomed")
    manager = context().Manager()
    print(manager.list([1, 2]))
    del manager
