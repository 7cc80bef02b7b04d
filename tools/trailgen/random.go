package main

import (
	"math/bits"
	"math/rand/v2"
)

// dice draws everything that varies inside one object. Only integers are drawn:
// floating point may round differently on another processor.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, mix(stream)))} }

func (d dice) percent(p int) bool { return d.IntN(100) < p }

// skewed draws from [0, n), small numbers more often: the product of two uniform
// draws.
func (d dice) skewed(n int) int { return d.IntN(n) * (d.IntN(n) + 1) / n }

// spread draws a size around a median, log-normal with a sigma of four times the
// logarithm of step/1000: the number of ones among 64 fair bits is normal enough.
func (d dice) spread(median, step int) int {
	const unit = 1 << 16
	size := uint64(median) * unit
	steps := bits.OnesCount64(d.Uint64()) - 32
	for range max(steps, 0) {
		size = size * uint64(step) / 1000
	}
	for range max(-steps, 0) {
		size = size * 1000 / uint64(step)
	}
	// Half a step either way, so that sizes are not the same few numbers.
	size = size * uint64(1000+d.IntN(step-999)) / uint64((1000+step)/2)
	return max(1, int(size/unit))
}

const (
	hexDigits    = "0123456789abcdef"
	base32Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// appendDigits appends n digits of an alphabet whose size is a power of two.
func (d dice) appendDigits(dst []byte, alphabet string, n int) []byte {
	shift := bits.TrailingZeros(uint(len(alphabet)))
	for n > 0 {
		word := d.Uint64()
		for range min(n, 64/shift) {
			dst = append(dst, alphabet[word&uint64(len(alphabet)-1)])
			word >>= shift
		}
		n -= min(n, 64/shift)
	}
	return dst
}

// appendUUID appends a random UUID, version 4.
func (d dice) appendUUID(dst []byte) []byte {
	at := len(dst)
	dst = d.appendDigits(dst, hexDigits, 32)
	dst = append(dst, "    "...)
	u := dst[at:]
	copy(u[24:], u[20:32])
	copy(u[19:], u[16:20])
	copy(u[14:], u[12:16])
	copy(u[9:], u[8:12])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	u[14], u[19] = '4', "89ab"[u[19]&3]
	return dst
}

// mix spreads the bits of x (the finalizer of SplitMix64): the names of things in
// the fleet are functions of what they are, not of when they are drawn.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash mixes parts into one number.
func hash(parts ...uint64) uint64 {
	h := uint64(len(parts))
	for _, p := range parts {
		h = mix(h ^ p)
	}
	return h
}

// hashText is hash for a name.
func hashText(text string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

// digits writes a hash as n digits of an alphabet.
func digits(h uint64, alphabet string, n int) string {
	out := make([]byte, n)
	var word uint64
	for i := range out {
		if i%10 == 0 {
			word = mix(h + uint64(i))
		}
		out[i] = alphabet[word%uint64(len(alphabet))]
		word /= uint64(len(alphabet))
	}
	return string(out)
}

// uuid writes a hash as a UUID.
func uuid(h uint64) string {
	t := digits(h, hexDigits, 32)
	return t[:8] + "-" + t[8:12] + "-4" + t[13:16] + "-a" + t[17:20] + "-" + t[20:]
}
