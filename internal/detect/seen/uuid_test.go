package seen

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseUUIDAgreesWithTheStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for n := range 200_000 {
		text := uuidText(uint64(n))
		if r.IntN(2) == 0 {
			text = []byte(strings.ToUpper(string(text)))
		}
		if n%2 == 0 { // any byte anywhere
			text[r.IntN(len(text))] = byte(n / 2)
		}
		var got [16]byte
		ok := parseUUID(&got, text)
		dashes := text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-'
		want, err := hex.DecodeString(string(text[:8]) + string(text[9:13]) + string(text[14:18]) + string(text[19:23]) + string(text[24:]))
		if ok != (err == nil && dashes) {
			t.Fatalf("%q: got valid %t, want %t", text, ok, !ok)
		}
		if ok && string(got[:]) != string(want) {
			t.Fatalf("%q: got %x, want %x", text, got, want)
		}
		if ok {
			valid++
		}
	}
	if valid < 100_000 {
		t.Errorf("%d texts were valid, want at least half", valid)
	}
	if parseUUID(new([16]byte), []byte("00000000-0000-4000-8000-00000000000")) {
		t.Error("a digit too few is valid, want it not to be")
	}
}
