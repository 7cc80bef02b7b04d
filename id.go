package rootkeep

import "time"

// letters are those of Crockford's base 32, in the order of their bytes: no I, L, O, U.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	timeLetters = 9 // of milliseconds, until the year 3084
	idLetters   = 5 // of chance
)

// NewID makes an ID: a prefix that tells the kind, a hyphen, the time, then chance, such
// as SC-1KB2Z7Q0MX7F3A. IDs of a kind sort by their time. random gives five bytes of
// chance or more.
func NewID(prefix string, now time.Time, random []byte) string {
	out := [timeLetters + idLetters]byte{}
	ms := now.UnixMilli()
	for i := timeLetters - 1; i >= 0; i-- {
		out[i] = letters[ms&31]
		ms >>= 5
	}
	for i := range idLetters {
		out[timeLetters+i] = letters[random[i]&31]
	}
	return prefix + "-" + string(out[:])
}
