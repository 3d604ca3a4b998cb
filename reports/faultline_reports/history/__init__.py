"""`faultline history`. See README.md of this folder."""
