package detector

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/rootkeep/rootkeep/internal/stream/flow"
	"github.com/rootkeep/rootkeep/internal/wire"
)

const messageVersion = 1

// MaxRecord is the largest record that travels, bytes: CloudTrail's are at most 256 KB.
const MaxRecord = flow.MaxMessage - 4<<10

// Messages carry a record to the parts that have its groups. One that only tells of watched
// resources goes to all of them.
func (r *Record) Messages(parts int) []flow.Message {
	w := wire.NewWriter(messageVersion)
	w.Text(r.Object)
	w.Text(string(r.Raw))
	data := w.Bytes()
	sum := sha256.Sum256(r.Raw)
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

// ReadMessage reads what Messages wrote.
func ReadMessage(data []byte) (Record, error) {
	r := wire.NewReader(data, messageVersion)
	out := Record{Object: r.Text(), Raw: []byte(r.Text())}
	if err := r.Close(); err != nil {
		return out, err
	}
	if len(out.Raw) == 0 {
		return out, errors.New("a message without a record")
	}
	return out, nil
}
