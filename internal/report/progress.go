package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Progress is how far a hunt has come. The caller owns the clock and the
// terminal; it calls ProgressLine when it wants a new line.
type Progress struct {
	FilesDone   int64
	FilesTotal  int64 // 0 while unknown
	StoredDone  int64 // bytes as stored, of finished and current files
	StoredTotal int64 // 0 while unknown
	Inflated    int64 // bytes read after decompression
	Events      int64
	Elapsed     time.Duration
}

// ProgressLine is p in one line of ASCII of at most width columns, without a
// line end. What does not fit is left out from the right.
func ProgressLine(p Progress, width int) string {
	parts := []string{files(p)}
	done, known := p.fraction()
	if known {
		parts = append(parts, fmt.Sprintf("%3.0f%%", done*100))
	}
	if s := p.Elapsed.Seconds(); s > 0 {
		parts = append(parts, fmt.Sprintf("%.0f MB/s", float64(p.Inflated)/1e6/s))
	}
	parts = append(parts, text.Counted(p.Events, "event"))
	// The first second is too noisy to divide by.
	if known && done > 0 && p.Elapsed >= time.Second {
		left := time.Duration(float64(p.Elapsed) * (1 - done) / done)
		parts = append(parts, "ETA "+text.Span(left))
	}
	line := parts[0]
	for _, part := range parts[1:] {
		if len(line)+2+len(part) > width {
			break
		}
		line += "  " + part
	}
	if rest := width - len(line) - 2; known && rest >= 12 {
		line = bar(done, min(rest, 30)) + "  " + line
	}
	return line[:min(len(line), max(width, 0))]
}

func files(p Progress) string {
	if p.FilesTotal == 0 {
		return text.Counted(p.FilesDone, "file")
	}
	return fmt.Sprintf("%s/%s files", text.Grouped(p.FilesDone), text.Grouped(p.FilesTotal))
}

// fraction prefers bytes over files: files differ in size by a thousand times.
func (p Progress) fraction() (done float64, known bool) {
	switch {
	case p.StoredTotal > 0:
		done = float64(p.StoredDone) / float64(p.StoredTotal)
	case p.FilesTotal > 0:
		done = float64(p.FilesDone) / float64(p.FilesTotal)
	default:
		return 0, false
	}
	return min(max(done, 0), 1), true
}

func bar(done float64, width int) string {
	inner := width - 2
	n := int(done * float64(inner))
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", inner-n) + "]"
}
