"""The program of this name for Z-Image."""

import fake

if __name__ == "__main__":
    fake.train("zimage_train_network")
