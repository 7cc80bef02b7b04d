package diff

import "math/bits"

// mask is a set of cells of one dimension. A nil mask is all of them.
type mask []uint64

func newMask(size int) mask { return make(mask, (size+63)/64) }

func (m mask) set(i int) { m[i/64] |= 1 << (i % 64) }

func (m mask) has(i int) bool { return m == nil || m[i/64]&(1<<(i%64)) != 0 }

func (m mask) empty() bool {
	for _, w := range m {
		if w != 0 {
			return false
		}
	}
	return m != nil
}

// first is the lowest cell in the set, which must not be empty.
func (m mask) first() int {
	for i, w := range m {
		if w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return 0
}

func (m mask) and(n mask) mask {
	switch {
	case m == nil:
		return n
	case n == nil:
		return m
	}
	out := make(mask, len(m))
	for i := range m {
		out[i] = m[i] & n[i]
	}
	return out
}

// without is m less n; size is that of the dimension.
func (m mask) without(n mask, size int) mask {
	out := newMask(size)
	if n == nil {
		return out
	}
	for i := range size {
		if m.has(i) && !n.has(i) {
			out.set(i)
		}
	}
	return out
}

// box is a set of requests: those with a cell of each dimension's mask. A box that is
// shorter than the space has all cells of the dimensions that are missing.
type box []mask

func (b box) at(d int) mask {
	if d < len(b) {
		return b[d]
	}
	return nil
}

// with is the box within one more mask.
func (b box) with(d int, m mask) box {
	out := make(box, max(len(b), d+1))
	copy(out, b)
	out[d] = out[d].and(m)
	return out
}

// and is the part of both boxes; it is not ok when there is none.
func (b box) and(c box) (out box, ok bool) {
	out = make(box, max(len(b), len(c)))
	for d := range out {
		if out[d] = b.at(d).and(c.at(d)); out[d].empty() {
			return nil, false
		}
	}
	return out, true
}

// search looks for requests in boxes. Steps bounds its work: it counts down, and when
// it is used up nothing is found any more.
type search struct {
	sizes []int // cells of each dimension
	steps int
}

// outside finds the cells of a request that is in b and in none of the covers.
func (s *search) outside(b box, covers []box) (point []int, ok bool) {
	for i, cover := range covers {
		if s.steps -= 1 + len(s.sizes)/16; s.steps <= 0 {
			return nil, false
		}
		rest, meets := b.and(cover)
		if !meets {
			continue
		}
		// What the cover leaves of the box is cut into one box a dimension.
		left := b
		for d := range cover {
			if cover[d] == nil {
				continue
			}
			if out := left.at(d).without(cover[d], s.sizes[d]); !out.empty() {
				part := append(make(box, 0, len(s.sizes)), left...)
				for len(part) <= d {
					part = append(part, nil)
				}
				part[d] = out
				if point, ok = s.outside(part, covers[i+1:]); ok {
					return point, true
				}
			}
			left = left.with(d, rest.at(d))
		}
		return nil, false
	}
	point = make([]int, len(s.sizes))
	for d := range point {
		if point[d] = anyCell; b.at(d) != nil {
			point[d] = b.at(d).first()
		}
	}
	return point, true
}

// anyCell stands in a point for a dimension in which every cell will do.
const anyCell = -1

// cell is the box of one point.
func (s *search) cell(point []int) box {
	out := make(box, len(point))
	for d, i := range point {
		if i != anyCell {
			out[d] = newMask(s.sizes[d])
			out[d].set(i)
		}
	}
	return out
}
