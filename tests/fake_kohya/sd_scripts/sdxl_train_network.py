"""The program for SDXL."""

import train_network

if __name__ == "__main__":
    train_network.main("sdxl_train_network")
