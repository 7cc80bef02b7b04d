package rule

import "bytes"

// WithoutCases empties the lines of the key cases at the left edge of a content file,
// which keeps the lines of all else where they are. Cases are more than half of the
// shipped files, and take as long to read: who only judges by a file that has been
// tested does without them. Text that is not laid out as block YAML is left as it is.
func WithoutCases(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inside := false
	for line := range bytes.Lines(text) {
		switch {
		case bytes.Equal(bytes.TrimSpace(line), []byte("cases:")) && line[0] == 'c':
			inside = true
		case inside && !bytes.ContainsRune([]byte(" -#\r\n"), rune(line[0])):
			inside = false // the next key
		}
		if !inside {
			out = append(out, line...)
		} else if line[len(line)-1] == '\n' {
			out = append(out, '\n')
		}
	}
	return out
}
