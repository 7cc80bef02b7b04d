package quiz_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture/quiz"
)

func load(t *testing.T) *quiz.Quiz {
	t.Helper()
	q, err := quiz.Load(content.Files, "quiz/root-risk.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestTheBandsAreAsPrinted(t *testing.T) {
	for _, c := range []struct {
		answers     []int
		score       int
		band, level string
	}{
		{[]int{1, 1, 1, 1, 1}, 5, "low", "low"},
		{[]int{2, 2, 2, 2, 1}, 9, "low", "low"},
		{[]int{2, 2, 2, 2, 2}, 10, "medium", "medium"},
		{[]int{3, 3, 3, 3, 2}, 14, "medium", "medium"},
		{[]int{3, 3, 3, 3, 3}, 15, "high", "high"},
		{[]int{3, 3, 3, 4, 4}, 17, "high", "high"},
		{[]int{4, 4, 4, 4, 4}, 20, "critical", "critical"},
		{[]int{5, 5, 5, 5, 5}, 25, "critical", "critical"},
		// One fatal answer scores 9, which the printed bands call low.
		{[]int{1, 5, 1, 1, 1}, 9, "low", "critical"},
		{[]int{1, 1, 1, 4, 1}, 8, "low", "low"},
	} {
		r, err := load(t).Score(c.answers)
		if err != nil {
			t.Fatal(err)
		}
		if r.Score != c.score || r.Band.Level != c.band || r.Level != c.level {
			t.Errorf("%v: got %d %s %s, want %d %s %s", c.answers, r.Score, r.Band.Level, r.Level, c.score, c.band, c.level)
		}
	}
}

func TestAnswersAreChecked(t *testing.T) {
	for _, answers := range [][]int{nil, {1, 1, 1, 1}, {0, 1, 1, 1, 1}, {1, 1, 1, 1, 6}} {
		if r, err := load(t).Score(answers); err == nil {
			t.Errorf("%v: got %+v, want an error", answers, r)
		}
	}
}

func TestAQuizWithoutABandForEverySumIsRefused(t *testing.T) {
	text := "id: q\nkind: quiz\ntitle: Q\nstatements:\n  - {id: a, text: A, critical_from: 5, because: B}\nbands:\n  - {from: 1, to: 4, level: low, advice: C}\n"
	_, err := quiz.Load(fstest.MapFS{"q.yaml": {Data: []byte(text)}}, "q.yaml")
	if err == nil || !strings.Contains(err.Error(), "0 bands for a sum of 5") {
		t.Errorf("got %v, want the sum without a band", err)
	}
}

func TestTheControlsThatAQuizNamesExist(t *testing.T) {
	for _, s := range load(t).Statements {
		for _, id := range s.Controls {
			if _, err := content.Files.Open("controls/" + id + ".yaml"); err != nil {
				t.Errorf("statement %s: %v", s.ID, err)
			}
		}
	}
}
