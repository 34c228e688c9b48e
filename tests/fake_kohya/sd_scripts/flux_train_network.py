"""The program for FLUX.1 and Chroma."""

import train_network

if __name__ == "__main__":
    train_network.main("flux_train_network")
