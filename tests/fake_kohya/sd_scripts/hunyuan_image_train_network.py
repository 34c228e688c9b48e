"""The program for HunyuanImage."""

import train_network

if __name__ == "__main__":
    train_network.main("hunyuan_image_train_network")
