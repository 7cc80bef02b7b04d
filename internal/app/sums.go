package app

import (
	"crypto/sha256"
	"hash/maphash"
	"path/filepath"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// maxSums bounds the memory for sums, of which each takes about 100 bytes: some
// 200 MB. Logs beyond it are read a second time.
const maxSums = 2 << 20

// sums are the SHA-256 of the logs that a hunt has read, by folder and path. A path
// is kept as a hash of 64 bits under a seed that nobody can know beforehand, because
// the paths of millions of logs would take more than everything else. It is safe for
// several workers.
type sums struct {
	seed maphash.Seed
	most int

	mu sync.Mutex // guards what follows
	of map[uint64][sha256.Size]byte
}

func newSums(most int) *sums {
	return &sums{seed: maphash.MakeSeed(), most: most, of: map[uint64][sha256.Size]byte{}}
}

// wants says whether a digest may name the object. Others are not worth hashing.
func (s *sums) wants(o stream.Object) bool { return s != nil && o.Root != "" && o.Input.OneMember }

// keep takes note of what reading an object came to.
func (s *sums) keep(o stream.Object, stats cloudtrail.Stats) {
	if !s.wants(o) || stats.SHA256 == [sha256.Size]byte{} || stats.InflatedBytes > digest.MaxLog {
		return
	}
	path, err := filepath.Rel(o.Root, o.Input.Name)
	if err != nil {
		return
	}
	key, sum := s.key(o.Root, filepath.ToSlash(path)), stats.SHA256
	s.mu.Lock()
	defer s.mu.Unlock()
	old, met := s.of[key]
	if met && old != sum {
		// A file that changed between two readings, or two paths with one hash: no sum
		// is the right one.
		sum = [sha256.Size]byte{}
	}
	if met || len(s.of) < s.most {
		s.of[key] = sum
	}
}

// below looks up the logs of one folder, as digest.Options.Sum does.
func (s *sums) below(root string) func(path string) ([sha256.Size]byte, bool) {
	if s == nil {
		return nil
	}
	return func(path string) ([sha256.Size]byte, bool) {
		key := s.key(root, path)
		s.mu.Lock()
		defer s.mu.Unlock()
		sum := s.of[key]
		return sum, sum != [sha256.Size]byte{}
	}
}

// complete says that no sum was dropped for want of room.
func (s *sums) complete() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.of) < s.most
}

func (s *sums) key(root, path string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(root)
	h.WriteByte(0) // in no path
	h.WriteString(path)
	return h.Sum64()
}
