// Package totp makes and checks the one-time codes of virtual MFA devices.
package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// step is how long a code of a virtual device is shown (RFC 6238).
const step = 30

// Code is the code that a virtual device with a base32 seed shows at a time: RFC 6238
// with SHA-1, six digits, 30 seconds. It is "" if the seed is not base32.
func Code(seed string, at time.Time) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		return ""
	}
	h := hmac.New(sha1.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// Consecutive says whether two codes follow one another near a time.
func Consecutive(seed, first, second string, now time.Time) bool {
	for n := -4; n <= 3; n++ {
		at := now.Add(time.Duration(n) * step * time.Second)
		if first != "" && Code(seed, at) == first && Code(seed, at.Add(step*time.Second)) == second {
			return true
		}
	}
	return false
}

// Valid says whether a code is one that the device shows near a time.
func Valid(seed, code string, now time.Time) bool {
	for n := -1; n <= 1; n++ {
		if code != "" && Code(seed, now.Add(time.Duration(n)*step*time.Second)) == code {
			return true
		}
	}
	return false
}
