package worker

import (
	"bytes"
	"testing"
)

// templates returns a path without sessions, and without dates.
func templates(path string) (plain, undated string, session bool, d date) {
	p, session := withoutSessions(nil, path)
	u, d := withoutDates(nil, p)
	return string(p), string(u), session, d
}

func TestSessionsAreToldFromOtherParameters(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/p/1?sid=8f2d01ab77":                           "/p/1?sid=~",
		"/p/1?a=b&SID=8f2d01ab77&c":                     "/p/1?a=b&SID=~&c",
		"/p/1?PHPSESSID=abcdefghijklmnop":               "/p/1?PHPSESSID=~",
		"/p/1;jsessionid=0123456789ABCDEF.node1?x=1":    "/p/1;jsessionid=0123456789ABCDEF.node1?x=1",
		"/p/1;jsessionid=0123456789ABCDEF?x=1":          "/p/1;jsessionid=~?x=1",
		"/p;JSESSIONID=0123456789ABCDEF/q":              "/p;JSESSIONID=~/q",
		"/(S(lit3py55t21z5v55vlm25s55))/orders.aspx":    "/(S(~))/orders.aspx",
		"/sid-8f2d01ab77/page":                          "/sid-~/page",
		"/sid/8f2d01ab77/page":                          "/sid/~/page",
		"/index.cfm?CFID=123456&CFTOKEN=98765432":       "/index.cfm?CFID=~&CFTOKEN=~",
		"/x?ASPSESSIONIDCABQRSTU=ABCDEFGHIJKLMNOP":      "/x?ASPSESSIONIDCABQRSTU=~",
		"/x?s=0123456789abcdef0123456789abcdef":         "/x?s=~",
		"/x?token=aGVsbG8gd29ybGQ":                      "/x?token=~",
		"/item/8f14e45f-ceea-467f-a187-9e6c0b2d3c11/ab": "/item/8f14e45f-ceea-467f-a187-9e6c0b2d3c11/ab",
		"/agenda?session=keynote":                       "/agenda?session=keynote",
		"/agenda?session=8f14e45f-ceea-467f-a187-9e6c0": "/agenda?session=8f14e45f-ceea-467f-a187-9e6c0",
		"/article.pl?sid=20240517":                      "/article.pl?sid=20240517",
		"/?s=iphone15promax":                            "/?s=iphone15promax",
		"/session/12":                                   "/session/12",
		"/token/economics":                              "/token/economics",
		"/s/0123456789abcdef0123456789abcdef/view":      "/s/0123456789abcdef0123456789abcdef/view",
		"/s/0123456789abcdef0123456789abcdef":           "/s/0123456789abcdef0123456789abcdef",
		"/(2024)/x":                                     "/(2024)/x",
		"/x?_=1715904000123&a=b":                        "/x?_=~&a=b",
		"/x?rnd=0.8473629":                              "/x?rnd=~",
		"/x?a=1&RND=7":                                  "/x?a=1&RND=~",
		"/x?rand=48271":                                 "/x?rand=~",
		"/x?ts=1715904000":                              "/x?ts=~",
		"/x?csrfmiddlewaretoken=aGVs.bG8/d29ybGQ":       "/x?csrfmiddlewaretoken=~",
		"/x?_csrf=aGVsbG8gd29ybGQ":                      "/x?_csrf=~",
		"/x?visitor=8f2d01ab77":                         "/x?visitor=~",
		"/x?s=0123456789abcdef":                         "/x?s=~",
		"/x?s=iphone15promax256gb":                      "/x?s=iphone15promax256gb",
		"/x?_=5":                                        "/x?_=5",
		"/x?rand=100":                                   "/x?rand=100",
		"/x?ts=2":                                       "/x?ts=2",
		"/x?visit=amsterdam":                            "/x?visit=amsterdam",
		"/x?csrf=1":                                     "/x?csrf=1",
		"/random-12345/walk":                            "/random-12345/walk",
		"/nonce/8f2d01ab77/x":                           "/nonce/8f2d01ab77/x",
		"/x/8f14e45fceea467fa1879e6c0b2d3c11/photos":    "/x/8f14e45fceea467fa1879e6c0b2d3c11/photos",
	} {
		got, _, found, _ := templates(path)
		if got != want || found != (want != path) {
			t.Errorf("%s: got %s, %v; want %s", path, got, found, want)
		}
	}
}

func TestDatesAreToldFromOtherNumbers(t *testing.T) {
	t.Parallel()
	const none, sure, maybe, misfit = "none", "sure", "maybe", "misfit"
	for path, want := range map[string][2]string{
		"/cal/2024/05":                          {"/cal/~", maybe},
		"/cal/2024/5/":                          {"/cal/~/", maybe},
		"/cal/2024/05/17":                       {"/cal/~", sure},
		"/cal/2024/05/17.html":                  {"/cal/~.html", sure},
		"/cal/2024/05.html":                     {"/cal/~.html", maybe},
		"/2024/05/17/a-title":                   {"/~/a-title", sure},
		"/cal/2024-05-17":                       {"/cal/~", sure},
		"/cal/2024-05/list":                     {"/cal/~/list", maybe},
		"/cal/202405":                           {"/cal/~", maybe},
		"/cal/20240517.html":                    {"/cal/~.html", maybe},
		"/cal?month=5&year=2024":                {"/cal?month=~&year=~", sure},
		"/cal?y=2024&w=17&view=list":            {"/cal?y=~&w=~&view=list", maybe},
		"/cal?when=2024-05-17":                  {"/cal?when=~", sure},
		"/cal?startDate=20240517":               {"/cal?startDate=~", sure},
		"/cal?date=1715904000":                  {"/cal?date=~", maybe},
		"/from/2024-05-01/to/2024-05-31":        {"/from/~/to/~", sure},
		"/cal/17.05.2024":                       {"/cal/~", maybe},
		"/cal/17.05.2024.html":                  {"/cal/~.html", maybe},
		"/cal/17-05-2024/list":                  {"/cal/~/list", maybe},
		"/cal/05-17-2024":                       {"/cal/~", maybe},
		"/cal/5-17-2024":                        {"/cal/~", maybe},
		"/cal/2024.05.17":                       {"/cal/~", sure},
		"/cal/2024_05_17":                       {"/cal/~", sure},
		"/cal/2024/May/17":                      {"/cal/~", sure},
		"/cal/2024/may":                         {"/cal/~", sure},
		"/cal/17/May/2024/":                     {"/cal/~/", sure},
		"/cal/05/17/2024":                       {"/cal/~", maybe},
		"/cal/May-2024":                         {"/cal/~", sure},
		"/cal/september-2024":                   {"/cal/~", sure},
		"/cal/May-17-2024":                      {"/cal/~", sure},
		"/cal/24/05/17.html":                    {"/cal/~.html", maybe},
		"/cal/2024-05-17T15:04:05Z":             {"/cal/~", sure},
		"/cal/20240517T150405.000Z":             {"/cal/~", maybe},
		"/cal?date=05/17/2024":                  {"/cal?date=~", sure},
		"/cal?d=05%2F17%2F2024":                 {"/cal?d=~", maybe},
		"/cal?date=17/05/24":                    {"/cal?date=~", sure},
		"/cal?from=2024-05-17T15:04%2B02:00":    {"/cal?from=~", sure},
		"/cal?month=May&year=2024":              {"/cal?month=~&year=~", sure},
		"/market-2024/x":                        {"/market-2024/x", none},
		"/may/17":                               {"/may/17", none},
		"/v/10.12.14/intro":                     {"/v/10.12.14/intro", none},
		"/x?size=10-12-14":                      {"/x?size=10-12-14", none},
		"/avatars/12/77/45":                     {"/avatars/~", misfit},
		"/17.05.2024-a-title":                   {"/17.05.2024-a-title", none},
		"/thread/12/3":                          {"/thread/12/3", none},
		"/2024-05-17-a-title":                   {"/2024-05-17-a-title", none},
		"/films/1984":                           {"/films/~", maybe},
		"/films/1984.html":                      {"/films/~.html", maybe},
		"/events-2024-05-17":                    {"/events-~", maybe},
		"/cal/day_2024-05-17.html":              {"/cal/day_~.html", maybe},
		"/events-2024-05-17/list":               {"/events-~/list", maybe},
		"/part-3456-08-12":                      {"/part-3456-08-12", none},
		"/a-2024-05-17-title":                   {"/a-2024-05-17-title", none},
		"/events-2024-05":                       {"/events-2024-05", none},
		"/films/1984/":                          {"/films/~/", maybe},
		"/films/1984/cast":                      {"/films/1984/cast", none},
		"/item/1234":                            {"/item/~", misfit},
		"/item/123":                             {"/item/123", none},
		"/item/12345.html":                      {"/item/12345.html", none},
		"/room/1984?date=2024-05-17":            {"/room/1984?date=~", sure},
		"/room/1984?a=b":                        {"/room/1984?a=b", none},
		"/cal/2024-W17":                         {"/cal/~", sure},
		"/cal/2024-w7/list":                     {"/cal/~/list", sure},
		"/cal/2024-W17-3":                       {"/cal/~", sure},
		"/cal/2024/W17.html":                    {"/cal/~.html", sure},
		"/cal/week/17/2024":                     {"/cal/~", sure},
		"/cal/Week/2024/17/":                    {"/cal/~/", sure},
		"/cal/2024/week/17":                     {"/cal/~", sure},
		"/cal?week=2024-W17":                    {"/cal?week=~", sure},
		"/cal/2024-W54":                         {"/cal/2024-W54", none},
		"/week/17/3":                            {"/week/17/3", none},
		"/weekly/17/2024/x":                     {"/weekly/17/2024/x", none},
		"/lamp/5000-W60":                        {"/lamp/5000-W60", none},
		"/cars?year=2004&make=ford":             {"/cars?year=~&make=ford", maybe},
		"/cars?month=13":                        {"/cars?month=~", none},
		"/thread/5012/3":                        {"/thread/~", misfit},
		"/thread/2012/30":                       {"/thread/~", misfit},
		"/item/204513":                          {"/item/~", misfit},
		"/item/1234567":                         {"/item/1234567", none},
		"/tiles/12/2048/1361.png":               {"/tiles/12/2048/1361.png", none},
		"/cal/5/17/24":                          {"/cal/~", maybe},
		"/cal/7-5-24.html":                      {"/cal/~.html", maybe},
		"/bible/7/5/3":                          {"/bible/~", misfit},
		"/bible/7/5/103":                        {"/bible/~", misfit},
		"/book/13-14-15":                        {"/book/~", misfit},
		"/v/1.2.34/intro":                       {"/v/1.2.34/intro", none},
		"/cal/Monday-January-2-2006":            {"/cal/~", sure},
		"/cal/tue-2024-05-17.html":              {"/cal/~.html", sure},
		"/cal/monument-2024-05-17":              {"/cal/monument-~", maybe},
		"/cal/monday":                           {"/cal/monday", none},
		"/cal/2024-05-17/14:30":                 {"/cal/~", sure},
		"/cal/2024/05/17/9:05:00.html":          {"/cal/~.html", sure},
		"/cal/2024/05/17/14":                    {"/cal/~/14", sure},
		"/cal/2024/05/17/a/14:30":               {"/cal/~/a/14:30", sure},
		"/cal/14:30":                            {"/cal/14:30", none},
		"/cal?date=2024-05-17&time=14%3A30":     {"/cal?date=~&time=~", sure},
		"/cal?y=2024&m=5&d=17&h=14":             {"/cal?y=~&m=~&d=~&h=~", maybe},
		"/cal/1715904000":                       {"/cal/~", maybe},
		"/cal/1715904000000/list":               {"/cal/~/list", maybe},
		"/cal?start=1715904000":                 {"/cal?start=~", maybe},
		"/cal?timestamp=1715904001":             {"/cal?timestamp=~", maybe},
		"/entry/1715904001":                     {"/entry/~", maybe},
		"/entry/1715904001123":                  {"/entry/~", maybe},
		"/entry?t=1715904001":                   {"/entry?t=~", maybe},
		"/entry/9915904001":                     {"/entry/~", misfit},
		"/view-1715904000.html":                 {"/view-~.html", maybe},
		"/view_1715904000123":                   {"/view_~", maybe},
		"/a-view-1715904000":                    {"/a-view-1715904000", none},
		"/view-17159040001":                     {"/view-17159040001", none},
		"/entry/999999900":                      {"/entry/999999900", none},
		"/list?start=200012&to=20240517":        {"/list?start=200012&to=20240517", none},
		"/v/2024.05/intro":                      {"/v/2024.05/intro", none},
		"/x?v=20240517":                         {"/x?v=20240517", none},
		"/item/550e8400-e29b-41d4-a716-4466554": {"/item/550e8400-e29b-41d4-a716-4466554", none},
	} {
		_, got, _, d := templates(path)
		kind := none
		switch {
		case d.misfit:
			kind = misfit
		case d.sure:
			kind = sure
		case d.dated:
			kind = maybe
		}
		if got != want[0] || kind != want[1] {
			t.Errorf("%s: got %s, %s; want %s, %s", path, got, kind, want[0], want[1])
		}
	}
}

// FuzzTemplate holds both templates to their law: a template is its own, and no longer than what it is of.
func FuzzTemplate(f *testing.F) {
	for _, path := range []string{"", "a?sid=12345678ab&year=2024&month=5", "(S(abcdefgh12))/2024/05/17.html", "sid/12345678ab/x;jsessionid=12345678",
		"2024-05-17/202405/20240517?date=1715904000&y=2024&d=1", "17.05.2024/May-2024/2024/Jan/02/06/01/02.html", "2024_05/2024-05-17T1:2Z", "2024", "2024-W17/x/1234.html", "week/17/2024",
		"Monday-January-2-2006/14:30", "tuesday-06/01/02.x", "monument-1/1715904000", "x?from=1715904000&time=14:30&h=3", ";;=?&=&(S(", "2024/05.x/2024/05/06.7"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		path = "/" + path
		plain, _ := withoutSessions(nil, path)
		undated, d := withoutDates(nil, plain)
		if (d.dated || d.misfit) && !mayVary(path) {
			t.Errorf("%q: the quick look finds no date", path)
		}
		if len(plain) > len(path) || len(undated) > len(plain) {
			t.Errorf("%q grew: %q, %q", path, plain, undated)
		}
		if again, found := withoutSessions(nil, string(plain)); found || !bytes.Equal(again, plain) {
			t.Errorf("%q: sessions were left in %q: %q", path, plain, again)
		}
		again, d := withoutDates(nil, undated)
		if d.dated || d.misfit || !bytes.Equal(again, undated) {
			t.Errorf("%q: dates were left in %q: %q", path, undated, again)
		}
	})
}
