package yamldoc

import (
	"strings"
	"testing"
)

func TestBlankLinesInABlock(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
	}{
		{"a thousand are read", "a: >" + strings.Repeat("\n", 1000), 0},
		{"more are refused", "a: >\n" + strings.Repeat(" \t\n", 1001), 2},
		{"carriage returns count", "a: >\n" + strings.Repeat("\r", 1001), 1},
		{"text in between starts anew", strings.Repeat(strings.Repeat("\n", 900)+"# x\n", 3), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := blankRun([]byte(tt.text)); got != tt.line {
				t.Errorf("got line %d, want %d", got, tt.line)
			}
		})
	}
}
