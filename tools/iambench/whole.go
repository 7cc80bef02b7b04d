package main

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/tools/iambench/large"
)

const object = "arn:aws:s3:::bucket-7/a"

func (s *subject) smaller(principals int) int { return principals / max(s.divide, 1) }

// whole is an account of 1,000 principals made ready, once.
func (s *subject) whole() (*matrix.Matrix, error) {
	if s.matrix != nil {
		return s.matrix, nil
	}
	a, err := account.Read(strings.NewReader(large.Details(s.smaller(1000))))
	if err != nil {
		return nil, err
	}
	s.matrix, err = matrix.New(matrix.Input{Account: a, Guardrails: large.Guardrails(), Context: map[string][]string{"aws:RequestedRegion": {"eu-west-3"}}})
	return s.matrix, err
}

// everything asks every principal about every known action on one resource.
func (s *subject) everything() (figure, error) {
	m, err := s.whole()
	if err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() {
		for _, c := range m.Callers() {
			if _, err := m.On(c, object); err != nil {
				panic(err) // the same question went well a moment ago
			}
		}
	}) / 1e6}, nil
}

func (s *subject) whoCan() (figure, error) {
	m, err := s.whole()
	if err != nil {
		return figure{}, err
	}
	if _, err := m.WhoCan([]string{"s3:GetObject"}, object); err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() {
		if _, err := m.WhoCan([]string{"s3:GetObject"}, object); err != nil {
			panic(err) // the same question went well a moment ago
		}
	}) / 1e6}, nil
}

func (s *subject) readAccount() (figure, error) {
	text := large.Details(s.smaller(5000))
	if _, err := account.Read(strings.NewReader(text)); err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() {
		a, err := account.Read(strings.NewReader(text))
		if err == nil {
			_, err = matrix.New(matrix.Input{Account: a})
		}
		if err != nil {
			panic(err) // it was read a moment ago
		}
	}) / 1e6}, nil
}

func (s *subject) escalation() (figure, error) {
	a, err := large.Company(s.smaller(1000))
	if err != nil {
		return figure{}, err
	}
	techniques, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations"})
	if err != nil {
		return figure{}, err
	}
	o := escalate.Options{Techniques: techniques, Now: time.Now()}
	if _, err := escalate.Search(a, o); err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() {
		if _, err := escalate.Search(a, o); err != nil {
			panic(err) // the same search went well a moment ago
		}
	}) / 1e6}, nil
}
