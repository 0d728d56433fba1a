// Verifies an exported audit log with Go's own implementation of signed notes and tile-based logs
// (golang.org/x/mod/sumdb), which shares no code with domicile-audit.
//
//	log VERIFIER-KEY FOLDER [OLDER-CHECKPOINT]
//	log -speed FOLDER
//
// It checks the log's signature, every hash tile against the signed root, every leaf against its tile, an inclusion proof for
// leaves all over the log, and that the log of the older checkpoint is a beginning of this one. With -speed it only builds the tree,
// from leaves that are in memory, and says how many seconds that took.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: log VERIFIER-KEY FOLDER [OLDER-CHECKPOINT], or log -speed FOLDER")
		os.Exit(2)
	}
	if os.Args[1] == "-speed" {
		if err := speed(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "not built:", err)
			os.Exit(1)
		}
		return
	}
	if err := verify(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "not verified:", err)
		os.Exit(1)
	}
}

func verify(key, folder string, older []string) error {
	tree, err := checkpoint(key, filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles(folder))
	leaves, err := entries(folder, tree.N)
	if err != nil {
		return err
	}
	step := tree.N/500 + 1
	proofs := 0
	for first := int64(0); first < tree.N; first += width {
		last := min(first+width, tree.N)
		var places []int64
		for i := first; i < last; i++ {
			places = append(places, tlog.StoredHashIndex(0, i))
		}
		// Debian 12's version of the reader does not compare every tile with the one above it: the proofs below do.
		hashes, err := reader.ReadHashes(places)
		if err != nil {
			return err
		}
		for i := first; i < last; i++ {
			leaf := tlog.RecordHash(leaves[i])
			if leaf != hashes[i-first] {
				return fmt.Errorf("leaf %d is not the one in the tree", i)
			}
			if i%step == 0 {
				proof, err := tlog.ProveRecord(tree.N, i, reader)
				if err != nil {
					return err
				}
				if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf); err != nil {
					return fmt.Errorf("leaf %d: %w", i, err)
				}
				proofs++
			}
		}
	}
	for _, file := range older {
		before, err := checkpoint(key, file)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return fmt.Errorf("it did not grow from %d leaves: %w", before.N, err)
		}
		fmt.Printf("grown from %d leaves\n", before.N)
	}
	fmt.Printf("%d leaves, %d inclusion proofs, root %s\n", tree.N, proofs, tree.Hash)
	return nil
}

// speed builds the tree as a log does that appends: every leaf's hash, and those of the nodes that it completes.
func speed(folder string) error {
	data, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	if len(lines) < 3 {
		return fmt.Errorf("no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	leaves, err := entries(folder, size)
	if err != nil {
		return err
	}
	started := time.Now()
	stored := make([]tlog.Hash, 0, 2*size)
	reader := tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(places))
		for i, place := range places {
			found[i] = stored[place]
		}
		return found, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	took := time.Since(started).Seconds()
	if root.String() != lines[2] {
		return fmt.Errorf("the root is %s, and the checkpoint's is %s", root, lines[2])
	}
	fmt.Printf("%.3f seconds for %d leaves\n", took, size)
	return nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

// checkpoint opens a signed note and reads origin, size and root.
func checkpoint(key, file string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return tree, err
	}
	signed, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, fmt.Errorf("%s: %w", file, err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("%s is no checkpoint of %s", file, verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("%s has no root", file)
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// place is where C2SP's layout has a tile: groups of three digits, all but the last with an x before them.
func place(level string, n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return filepath.Join("tile", level, path)
}

// read gives the first `count` parts of a tile that may be there whole or in part.
func read(folder, level string, n int64, count int) ([]byte, error) {
	name := filepath.Join(folder, place(level, n))
	if count < width {
		if data, err := os.ReadFile(fmt.Sprintf("%s.p/%d", name, count)); err == nil {
			return data, nil
		}
	}
	return os.ReadFile(name)
}

type tiles string

func (folder tiles) Height() int                                { return 8 }
func (folder tiles) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := read(string(folder), strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if size := tile.W * tlog.HashSize; len(data) > size {
			data = data[:size]
		}
		found = append(found, data)
	}
	return found, nil
}

// entries reads the leaves: each has its length before it, two bytes.
func entries(folder string, size int64) ([][]byte, error) {
	var leaves [][]byte
	for n := int64(0); n*width < size; n++ {
		count := int(min(width, size-n*width))
		data, err := read(folder, "entries", n, count)
		if err != nil {
			return nil, err
		}
		for i := 0; i < count; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("leaf %d is cut off", n*width+int64(i))
			}
			length := int(binary.BigEndian.Uint16(data))
			leaves = append(leaves, data[2:2+length])
			data = data[2+length:]
		}
	}
	return leaves, nil
}
