"""The formats of NumPy: `.npy` files and `.npz` archives."""
