"""The way onto the offline laptop: one folder with everything, and proof that it is the reviewed one.

lock       the dependencies, pinned, and what of them a target needs
wheels     their wheels, fetched where there is a network
own        the project's own wheel, the same byte for byte wherever it is built
sbom       the bill of materials, and the licences
manifest   the list of all files with their hashes; its own hash is what is compared
make       the bundle, put together
install    what is in the bundle as install.py: needs nothing but Python
installed  whether what is installed is what the bundle had
"""
