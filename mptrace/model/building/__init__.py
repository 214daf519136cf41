"""From the raw bytes of a recording to the objects of the model, a file for each kind of them."""
