#!/usr/bin/env python3
"""Verifies an exported audit log with pymerkle (its root and paths of inclusion and growth) and openssl (the log's signature and its
witnesses' cosignatures): neither shares code with domicile-audit.

    log.py TRUST-FILE FOLDER [OLDER-CHECKPOINT]
"""

import base64
import pathlib
import subprocess
import sys
import tempfile

from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

LOG, COSIGNER = 1, 4


class Refused(Exception):
    pass


def keys(trust):
    """Name, id, algorithm and public key of each log and witness of a trust file (C2SP tlog-policy)."""
    found = []
    for line in pathlib.Path(trust).read_text().splitlines():
        words = line.split()
        if words and words[0] in ("log", "witness"):
            name, number, key = words[1 if words[0] == "log" else 2].split("+", 2)
            key = base64.b64decode(key)
            found.append((name, bytes.fromhex(number), key[0], key[1:]))
    return found


def openssl_accepts(public, message, signature):
    # An Ed25519 key in DER: a fixed prefix and its 32 bytes.
    der = bytes.fromhex("302a300506032b6570032100") + public
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder, name) for name in ("key", "message", "signature")}
        for name, data in (("key", der), ("message", message), ("signature", signature)):
            files[name].write_bytes(data)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files["key"], "-rawin", "-in", files["message"],
             "-sigfile", files["signature"]], capture_output=True).returncode == 0


def checkpoint(file, trusted):
    """Size and root of a checkpoint that the log signed, and who cosigned it."""
    note = pathlib.Path(file).read_bytes()
    text, _, lines = note.rpartition(b"\n\n")
    text += b"\n"
    signed_by = {}
    for line in lines.decode().splitlines():
        dash, name, blob = line.split(" ")
        blob = base64.b64decode(blob)
        for known, number, algorithm, public in trusted:
            if (name, blob[:4]) != (known, number):
                continue
            signature, message = blob[4:], text
            if algorithm == COSIGNER:
                time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {time}\n".encode() + text
            if not openssl_accepts(public, message, signature):
                raise Refused(f"{file}: the signature of {name} does not fit")
            signed_by[name] = algorithm
    origin, size, root = text.decode().split("\n")[:3]
    if signed_by.get(origin) != LOG:
        raise Refused(f"{file}: {origin} did not sign it")
    return int(size), base64.b64decode(root), sorted(name for name, algorithm in signed_by.items() if algorithm == COSIGNER)


def entries(folder, size):
    for n in range((size + 255) // 256):
        digits = f"{n % 1000:03}"
        rest = n // 1000
        while rest:
            digits, rest = f"x{rest % 1000:03}/{digits}", rest // 1000
        whole = pathlib.Path(folder, "tile/entries", digits)
        count = min(256, size - n * 256)
        part = whole.with_name(f"{whole.name}.p") / str(count)
        data = (part if part.exists() else whole).read_bytes()
        for _ in range(count):
            length = int.from_bytes(data[:2], "big")
            if len(data) < 2 + length:
                raise Refused("a leaf is cut off")
            yield data[2:2 + length]
            data = data[2 + length:]


def main(trust, folder, *older):
    trusted = keys(trust)
    size, root, witnesses = checkpoint(pathlib.Path(folder, "checkpoint"), trusted)
    tree = InmemoryTree(algorithm="sha256")
    for leaf in entries(folder, size):
        tree.append_entry(leaf)
    if tree.get_root() != root:
        raise Refused(f"the leaves have another root than the one that was signed: {tree.get_root().hex()}")
    for index in sorted({1, size, *range(1, size + 1, size // 50 + 1)}):
        verify_inclusion(tree.get_leaf(index), root, tree.prove_inclusion(index, size))
    for file in older:
        before, old, _ = checkpoint(file, trusted)
        verify_consistency(old, root, tree.prove_consistency(before, size))
        print(f"grown from {before} leaves")
    print(f"{size} leaves, root {root.hex()}, cosigned by {', '.join(witnesses) or 'nobody'}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as why:
        sys.exit(f"not verified: {why}")
    except Exception as why:  # what the library says of a proof that does not hold
        sys.exit(f"not verified: {type(why).__name__}: {why}")
