"""The tree of an online CA: what step-ca starts from, and nothing more; above all not the root's key.

settings     what is wanted: names, address, place, provisioners
provisioner  a provisioner whose private key nobody ever sees
ssh          the templates for SSH clients and hosts
tree         make the tree of a CA, its keys under new passwords
recipient    the passwords, to a public key that somebody gave
"""
