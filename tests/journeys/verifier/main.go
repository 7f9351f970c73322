// Verifies a log with an implementation that is not accessline's: Go's golang.org/x/mod/sumdb.
//
//	verifier log   -base URL -key KEY [-old FILE]...
//	verifier entry -base URL -key KEY -index N [-proof-of N] FILE
//
// log opens the newest checkpoint of a server, hashes every entry, asks for a proof for each, reads
// all hashes from tiles, and has every earlier checkpoint in a FILE continued. entry proves that
// FILE is the entry at an index; -proof-of asks the server about another one than is claimed.
//
// Whatever is wrong ends it with exit code 1 and one line.
//
// golang.org/x/mod before 0.19 has zeroes as the root of an empty tree, and its CheckTree takes no
// empty tree: checkpoints of size 0 are not verified here.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

type files []string

func (f *files) String() string     { return strings.Join(*f, " ") }
func (f *files) Set(s string) error { *f = append(*f, s); return nil }

type server struct {
	base     string
	verifier note.Verifier
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: verifier log|entry")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	base := flags.String("base", "", "the URL of the server")
	key := flags.String("key", "", "the key that verifies its checkpoints")
	index := flags.Int64("index", 0, "where the entry stands, from 0")
	proofOf := flags.Int64("proof-of", -1, "the index that a proof is asked for")
	var old files
	flags.Var(&old, "old", "an earlier checkpoint")
	flags.Parse(args[1:])
	verifier, err := note.NewVerifier(*key)
	if err != nil {
		return err
	}
	s := server{*base, verifier}
	if args[0] == "entry" {
		if *proofOf < 0 {
			*proofOf = *index
		}
		return s.entry(*index, *proofOf, flags.Arg(0))
	}
	return s.log(old)
}

// log verifies everything that a server has.
func (s server) log(old []string) error {
	tree, err := s.newest()
	if err != nil {
		return err
	}
	// Its hashes are authenticated against the root before anybody sees them.
	tiles := tlog.TileHashReader(tree, tiles{s})
	root, err := tlog.TreeHash(tree.N, tiles)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	if root != tree.Hash {
		return fmt.Errorf("tiles: their root is %v, not %v", root, tree.Hash)
	}
	entries, err := s.entries(tree.N)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if err := s.included(tree, int64(i), int64(i), entry, tiles); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	for _, name := range old {
		if err := s.continued(tree, name, tiles); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("%d entries, %d earlier checkpoints\n", tree.N, len(old))
	return nil
}

// entry verifies that a file is the entry at an index.
func (s server) entry(index, proofOf int64, name string) error {
	tree, err := s.newest()
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return s.included(tree, index, proofOf, entry, nil)
}

func (s server) newest() (tlog.Tree, error) {
	data, err := s.get("/log/checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	return s.opened(data)
}

// opened reads a checkpoint that the key signed.
func (s server) opened(data []byte) (tlog.Tree, error) {
	opened, err := note.Open(data, note.VerifierList(s.verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != s.verifier.Name() {
		name := s.verifier.Name()
		return tlog.Tree{}, fmt.Errorf("the checkpoint is of %s, the key of %s", origin, name)
	}
	// ParseTree reads the tree of Go's own log: but for its name it is a checkpoint.
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

// included checks the server's proof for one entry, and its hash in the tiles.
func (s server) included(
	tree tlog.Tree, index, proofOf int64, entry []byte, tiles tlog.HashReader,
) error {
	leaf := tlog.RecordHash(entry)
	if tiles != nil {
		stored, err := tiles.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return fmt.Errorf("tiles: %w", err)
		}
		if stored[0] != leaf {
			return fmt.Errorf("tiles: its hash is %v, not %v", leaf, stored[0])
		}
	}
	var told struct{ Proof tlog.RecordProof }
	path := fmt.Sprintf("/v1/log/proof/inclusion?index=%d&size=%d", proofOf, tree.N)
	if err := s.getJSON(path, &told); err != nil {
		return err
	}
	if err := tlog.CheckRecord(told.Proof, tree.N, tree.Hash, index, leaf); err != nil {
		return err
	}
	if tiles == nil {
		return nil
	}
	ours, err := tlog.ProveRecord(tree.N, index, tiles)
	if err != nil {
		return err
	}
	return same(ours, told.Proof)
}

// continued checks that a tree continues an earlier one, whose checkpoint is in a file.
func (s server) continued(tree tlog.Tree, name string, tiles tlog.HashReader) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	old, err := s.opened(data)
	if err != nil {
		return err
	}
	var told struct{ Proof tlog.TreeProof }
	path := fmt.Sprintf("/v1/log/proof/consistency?old=%d&new=%d", old.N, tree.N)
	if err := s.getJSON(path, &told); err != nil {
		return err
	}
	if err := tlog.CheckTree(told.Proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return err
	}
	ours, err := tlog.ProveTree(tree.N, old.N, tiles)
	if err != nil {
		return err
	}
	return same(ours, told.Proof)
}

func same(ours, theirs []tlog.Hash) error {
	if fmt.Sprint(ours) != fmt.Sprint(theirs) {
		return fmt.Errorf("the proof made from tiles is %v, the server's %v", ours, theirs)
	}
	return nil
}

// entries reads every entry from bundles: each stands behind its length in two bytes.
func (s server) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for n := int64(0); n*width < size; n++ {
		w := int64(width)
		if size-n*width < w {
			w = size - n*width
		}
		data, err := s.get(path(tlog.Tile{H: height, L: -1, N: n, W: int(w)}))
		if err != nil {
			return nil, err
		}
		for ; w > 0; w-- {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("a bundle ends within an entry")
			}
			length := int(binary.BigEndian.Uint16(data))
			found = append(found, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("a bundle has %d bytes too many", len(data))
		}
	}
	return found, nil
}

// path says where a tile is: Go's own log has tile/<H>/<L>/<N>, tlog-tiles has tile/<L>/<N>, and
// entries where Go has data.
func path(t tlog.Tile) string {
	rest := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	if t.L == -1 {
		rest = "entries" + strings.TrimPrefix(rest, "data")
	}
	return "/log/tile/" + rest
}

// tiles reads tiles of a server, as tlog.TileHashReader wants it.
type tiles struct{ server }

func (t tiles) Height() int { return height }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, one := range wanted {
		data, err := t.get(path(one))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

var kept = map[string][]byte{}

// get asks a server; what never changes is asked for once.
func (s server) get(path string) ([]byte, error) {
	if data, ok := kept[path]; ok {
		return data, nil
	}
	response, err := http.Get(s.base + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", path, response.Status)
	}
	kept[path] = data
	return data, nil
}

func (s server) getJSON(path string, into any) error {
	data, err := s.get(path)
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(data)).Decode(into)
}
