package source

import (
	"bytes"
	"unicode/utf8"
)

// block is how far a position is counted at most. Terraform writes a plan as one
// line, in which counting from the line's start would take too long.
const block = 4096

// index tells lines and columns of a file.
type index struct {
	src    []byte
	blocks []mark // at each multiple of block
}

// mark is a line and a column, both from 1.
type mark struct{ line, column int }

func newIndex(src []byte) *index {
	x := &index{src: src, blocks: []mark{{1, 1}}}
	if bytes.HasPrefix(src, []byte("\xEF\xBB\xBF")) {
		x.blocks[0].column = 0 // the mark is no character of the first line
	}
	for at := 0; at+block <= len(src); at += block {
		x.blocks = append(x.blocks, advance(x.blocks[len(x.blocks)-1], src[at:at+block]))
	}
	return x
}

// advance moves over text. A character counts where it starts.
func advance(m mark, text []byte) mark {
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		m.line += bytes.Count(text, []byte{'\n'})
		m.column, text = 1, text[i+1:]
	}
	for _, b := range text {
		if utf8.RuneStart(b) {
			m.column++
		}
	}
	return m
}

// position is the line and column of an offset; one outside the file is moved to its
// nearest end.
func (x *index) position(offset int) (line, column int) {
	offset = max(0, min(offset, len(x.src)))
	start := min(offset/block, len(x.blocks)-1)
	m := advance(x.blocks[start], x.src[start*block:offset])
	return m.line, max(1, m.column)
}
