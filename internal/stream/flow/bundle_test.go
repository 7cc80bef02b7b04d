package flow

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesOfAPartitionGoTogether(t *testing.T) {
	var many []Message
	for i := range mostBundled + 2 {
		many = append(many, Message{Partition: 3, ID: fmt.Sprint(i), Data: []byte{byte(i)}})
	}
	large := func(id string) Message { return Message{ID: id, Data: make([]byte, bundleBytes/2)} }
	for _, c := range []struct {
		name string
		in   []Message
		want []int // messages in each of the broker's
	}{
		{"nothing", nil, nil},
		{"one is itself", []Message{{ID: "a"}}, []int{0}},
		{"two partitions", []Message{{ID: "a"}, {Partition: 1, ID: "a"}, {ID: "b"}}, []int{2, 0}},
		{"the same twice", []Message{{ID: "a"}, {ID: "a"}, {ID: "b"}, {ID: "b"}}, []int{2}},
		{"no more than fit, by number", many, []int{mostBundled, 2}},
		{"by size", []Message{large("a"), large("b"), {ID: "c"}}, []int{0, 2}},
		{"the largest", []Message{{ID: "a"}, {ID: "b", Data: make([]byte, MaxMessage)}, {ID: "c"}}, []int{0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int
			var back []Message
			for _, e := range pack(c.in) {
				got = append(got, e.bundled)
				if e.bundled == 0 {
					back = append(back, Message{Partition: e.partition, ID: e.id, Data: e.data})
					continue
				}
				in, err := unpack(e.partition, e.data)
				if err != nil || len(in) != e.bundled {
					t.Errorf("a bundle of %d: got %d messages, %v", e.bundled, len(in), err)
				}
				back = append(back, in...)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("messages of the broker (-want +got):\n%s", diff)
			}
			for _, m := range c.in {
				n := 0
				for _, b := range back {
					if b.Partition == m.Partition && b.ID == m.ID && bytes.Equal(b.Data, m.Data) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("message %d/%s comes back %d times", m.Partition, m.ID, n)
				}
			}
		})
	}
}

func TestTheSameBundleHasTheSameName(t *testing.T) {
	a, b := Message{ID: "a", Data: []byte("1")}, Message{ID: "b", Data: []byte("2")}
	first, again, other := pack([]Message{a, b})[0].id, pack([]Message{a, b})[0].id, pack([]Message{{ID: "ab"}, {ID: "c"}})[0].id
	if first != again || first == other || !strings.HasPrefix(first, "bundle-") {
		t.Errorf("got %s and %s for the same, %s for others", first, again, other)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(seal([]Message{{ID: "a", Data: []byte("x")}, {ID: "b"}}).data)
	f.Add([]byte{1, 'a', 200, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := unpack(0, data)
		if err != nil {
			return
		}
		size := 0
		for _, m := range list {
			size += len(m.ID) + len(m.Data)
		}
		if size > len(data) || len(list) > mostBundled {
			t.Errorf("%d bytes in %d messages of %d bytes", size, len(list), len(data))
		}
	})
}
