package iam

// isPublic says whether a bucket policy is public in the sense of S3 Block Public
// Access: some Allow names everyone, or a value with a wildcard, and no condition
// ties it to fixed values. Source: Amazon S3 User Guide, "Blocking public access to
// your Amazon S3 storage", "The meaning of public".
func isPublic(ps []*Policy) bool {
	for _, p := range ps {
		for i := range p.statements {
			if s := &p.statements[i]; !s.denies && s.everyone() && !s.fixed() {
				return true
			}
		}
	}
	return false
}

func (s *statement) everyone() bool {
	if s.principalMode == not {
		return true
	}
	for i := range s.principals {
		if s.principals[i].Anyone() {
			return true
		}
	}
	return false
}

// fixed says whether one condition limits the statement to values that S3 counts
// as fixed.
func (s *statement) fixed() bool {
	for i := range s.tests {
		t := &s.tests[i]
		if t.Fixed() {
			return true
		}
	}
	return false
}

// Public says whether one of a bucket's policies makes it public in the sense of S3
// Block Public Access, as GetBucketPolicyStatus does.
func Public(ps ...*Policy) bool { return isPublic(ps) }
