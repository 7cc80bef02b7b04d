package detector

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/rootkeep/rootkeep/internal/stream/flow"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// The versions of a message. One that carries where a record lies in its object has the
// second: records with an event ID need no such place, and go on as they did.
const (
	messageVersion = 1
	placedVersion  = 2
)

// MaxRecord is the largest record that travels, bytes: CloudTrail's are at most 256 KB.
const MaxRecord = flow.MaxMessage - 4<<10

// Messages carry a record to the parts that have its groups. One that only tells of watched
// resources goes to all of them.
func (r *Record) Messages(parts int) []flow.Message {
	data := r.write()
	sum := sha256.Sum256(r.Raw)
	if r.Number > 0 { // two records that say the same, and have no ID, are two
		sum = sha256.Sum256(data)
	}
	id := hex.EncodeToString(sum[:16])
	to := map[int]bool{}
	for _, g := range r.Groups {
		to[PartOf(g, parts)] = true
	}
	var out []flow.Message
	for n := range parts {
		if r.Everywhere || to[n] {
			out = append(out, flow.Message{Partition: n, ID: id, Data: data})
		}
	}
	return out
}

func (r *Record) write() []byte {
	version := byte(messageVersion)
	if r.Number > 0 {
		version = placedVersion
	}
	w := wire.NewWriter(version)
	w.Text(r.Object)
	w.Blob(r.Raw) // as a text, for older processes
	if r.Number > 0 {
		w.Int(r.Number)
	}
	return w.Bytes()
}

// ReadMessage reads what Messages wrote. The record shares its data.
func ReadMessage(data []byte) (Record, error) {
	version := byte(messageVersion)
	if len(data) > 0 && data[0] == placedVersion {
		version = placedVersion
	}
	r := wire.NewReader(data, version)
	out := Record{Object: r.Text(), Raw: r.Blob()}
	if version == placedVersion {
		out.Number = r.Int()
	}
	if err := r.Close(); err != nil {
		return out, err
	}
	if len(out.Raw) == 0 {
		return out, errors.New("a message without a record")
	}
	return out, nil
}
