/// Programs whose values and frames are printed by gdb and by Varve, to compare.
enum ValuesPrograms {
  /// C: numbers, characters, enumerations, strings, records, pointers.
  static let scalars = #"""
    #include <stdint.h>
    #include <wchar.h>
    #include <uchar.h>
    #include <complex.h>
    #include <stdbool.h>
    float f1=0.1f,f2=1e10f,f3=1e-5f,f4=123456789.f;
    double d1=0.1,d2=1e300,d3=1.0,d4=-0.0,d5=1e16,d6=123456.789;
    long double l1=0.1L,l2=3.14159265358979323846L,l3=1e4000L;
    double nan1=__builtin_nan(""), nan2=-__builtin_nan("0x123"), inf1=__builtin_inf(),
      inf2=-__builtin_inf();
    float nanf1=__builtin_nanf("");
    long double lnan=__builtin_nanl(""), linf=__builtin_infl();
    _Float128 q1=0.1f128;
    _Float16 h1=0.1f16;
    __float80 x80=0.1w;
    __int128 i128=-5;
    unsigned __int128 u128=((unsigned __int128)1<<100)+7;
    _Complex double cd=1.0+2.0*I;
    _Complex float cf=1.5f-2.5f*I;
    _Bool b0=0,b1=1;
    unsigned char b2=2;
    char c0='a',c1='\n',c2=0,c3=-1,c4='\'',c5='"',c6='\\',c7=27,c8=127;
    signed char sc=-56;
    unsigned char uc=200;
    wchar_t w1=L'a',w2=0x20ac,w3=L'\0';
    char16_t c16=u'é';
    char32_t c32=U'\x1F600';
    enum E{A,B,C=5};
    enum E e0=A,e1=B,e2=5,e3=7;
    enum N{M=-1,Z=0};
    enum N n1=-1,n2=3;
    enum F{F1=1,F2=2,F4=4};
    enum F ff0=0,ff3=3,ff8=9,ff10=0x10;
    enum G{G0=0,G1=1,G2=2,G3=3,G4=4};
    enum G g5=5,g6=6,g0=0,g8=8,g12=12;
    enum H{H1=1,HM=0xf0,H100=0x100};
    enum H h_f1=0xf1,h_30=0x30,h_3=2;
    enum K{K1=1,K5=5};
    enum K k4=4,k3=3;
    enum L{L1=1,L3=3,L4=4};
    enum L lv5=5,lv6=6,lv7=7;
    enum Big{BB=0x8000000000000000ull};
    enum Big big1=0x8000000000000001ull;
    int ia[]={1,2,3,3,3,3,3,3,3,3,3,3,3,3,3,4};
    int ia10[]={1,3,3,3,3,3,3,3,3,3,3,4};
    int ia9[]={1,3,3,3,3,3,3,3,3,3,4};
    int iz[50];
    int i200[250];
    int inc[250];
    int m[2][3]={{1,2,3},{4,5,6}};
    int m2[30][30];
    int m3[12][2];
    int m4[2][2][2];
    char s1[]="hello",s2[10]="abc",s3[20]="abc",s4[3]="abc",s5[300],s6[1]="",s7[0],s8[12],s9[11],
      s10[10],s11[9];
    char s12[]="aaaaaaaaaaaaaaaaaaaaab", s13[]="xaaaaaaaaaay", s14[]="xaaaaaaaaay\001"  "23",
      s15[]="tab\tnl\nq\"q'\\e\033\177\303\251", s16[]="abc\0def", s17[16]="abc\0def";
    char s18[]="aaaaaaaaaaaaabbbbbbbbbbbbbbbbbbcdddddddddddddddddddddd";
    char s19[]="\0010a\0019\001f";
    char c2d[2][4]={"ab","cd"};
    char c3d[20][4];
    unsigned char us[]={1,2,3,0,0};
    signed char ss[]={-1,2};
    uint8_t u8[4]={1,2,3,4};
    int8_t i8=3,i8zero=0;
    wchar_t ws[]=L"wide \x20ac \351", ws2[20]=L"w";
    char16_t s16w[]=u"u16 é \xd83d\xde00";
    char32_t s32[]=U"u32 \x1F600";
    wchar_t ws3[30]=L"aaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *p1="hello",*p0=0;
    char *p2=s5;
    unsigned char *p3=us;
    signed char *p4=ss;
    const wchar_t *pw=L"wide";
    const char16_t*p16=u"u16";
    const char32_t*p32=U"u32";
    char *pbad=(char*)0x1234;
    char *pe="";
    char *plong;
    #define A10 "aaaaaaaaaa"
    #define A100 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10
    char *prep=A100 A100 A10;
    typedef char *mystr;
    mystr ms="ms";
    typedef char mychar;
    mychar *mcp="mc";
    mychar mcv='z';
    const char *const pcc="cc";
    char **pp=&p2;
    struct S{int a;char b[4];struct{int x,y;};union{int u;float f;};struct{int q;}named;int*p;int
      bf1:3;unsigned bf2:5;int (*fn)(int);const char*str;} ;
    int fun(int a){return a;}
    struct S s={1,"ab",{2,3},{4},{5},ia,-1,17,fun,"str"};
    struct S *ps=&s;
    struct FL{int n;int d[];};
    struct FL fl={2,{1,2}};
    struct FZ{int n;char z[0];}fz;
    struct EM{}em;
    struct SP{struct SP*next;int v;}sp={&sp,1};
    int (*fp)(int)=fun;
    int (*fparr[2])(int)={fun,0};
    int (*parr)[16]=&ia;
    void *vp=&ia[2];
    int *ip=&ia[1];
    void *vnull;
    struct Und*und=(void*)0x10;
    volatile int*const vip=ia;
    int (**fpp)(int)=&fp;
    typedef int v4 __attribute__((vector_size(16)));
    v4 vec={1,2,3,4};
    typedef float v4f __attribute__((vector_size(16)));
    v4f vecf={1,2,3,4};
    typedef char v16 __attribute__((vector_size(16)));
    v16 vecc={1,2,3};
    struct S sarr[12];
    struct P{int x,y;}parr2[3]={{1,2},{1,2},{3,4}};
    struct P prep2[15];
    char chars[5][3];
    union U{int i;char c[4];}un={0x41424344};
    bool ba[3]={1,0,1};
    enum E ea[2]={B,C};
    double da[2]={1.5,2};
    const char*strs[3]={"a","b"};
    #define R5(x) struct{struct{struct{struct{struct{x}a;}a;}a;}a;}a;
    struct Deep{R5(R5(R5(R5(R5(int a;)))))}deep;
    char large[70000];
    int main(){return 0;}
    """#

  /// C: limits and repetitions, bit fields, declarators.
  static let limits = #"""
    #include <stdint.h>
    #include <wchar.h>
    #include <uchar.h>
    int r9[]={1,3,3,3,3,3,3,3,3,3,4}, r10[]={1,3,3,3,3,3,3,3,3,3,3,4}, r11[]={1,3,3,3,3,3,3,3,3,3,
      3,3,4};
    #define X10(n) n,n+1,n+2,n+3,n+4,n+5,n+6,n+7,n+8,n+9
    #define X100(n) X10(n),X10(n+10),X10(n+20),X10(n+30),X10(n+40),X10(n+50),X10(n+60),X10(n+70),X10(n+80),X10(n+90)
    int inc250[]={X100(0),X100(100),X10(200),X10(210)};
    int inc200[]={X100(0),X100(100)};
    int inc201[]={X100(0),X100(100),1};
    int mm[3][100]={{X100(0)},{X100(100)},{X100(200)}};
    int mm2[12][30]={{X10(0)},{X10(1)},{X10(2)}};
    #define D10 "0123456789"
    #define D90 D10 D10 D10 D10 D10 D10 D10 D10 D10
    #define D100 D90 D10
    #define D99 D90 "012345678"
    #define A20 "aaaaaaaaaaaaaaaaaaaa"
    char long200[]=D100 D100;
    char long199[]=D99 D100;
    char long199pad[400]=D99 D100;
    char longrep[]=A20 D100 D100;
    char c300[300]="abc";
    char *pl=long200,*pl2=long199,*pl3=longrep,*pl4="aaaaaaaaaaaaaaaab";
    char crow[3][100]={"abc","de"};
    char cmany[210][2]={"a","b","c"};
    const char *ptrs[]={"a","a","a","a","a","a","a","a","a","a","a","a"};
    double ds[20]={1};
    struct P{int x;int a[3];} ps[]={{1,{1,2,3}},{1,{1,2,3}},{2}};
    struct Q{int a[300];char s[300];} q={{X100(0),X100(100),X10(200)},"x"};
    struct Q qq[2];
    enum F2{FA=1,FB=2,FB2=2,FC=8};
    enum F2 fx=3, fy=11, fz=0, fw=4;
    enum F3{F3A=1,F3B=2,F3M=0xc};
    enum F3 f3=0xd,f34=4;
    enum F4{F4Z=0,F4A=1,F4B=2};
    enum F4 f4=3,f40=0,f48=8;
    enum F5{F5A=1,F5M=6};
    enum F5 f5=7,f5b=2;
    enum F6{F6A=-1,F6B=1};
    enum F6 f6=3;
    enum {AN=1,AM=2} an=3;
    enum F7{F7A=16,F7B=1};
    enum F7 f7=17;
    enum F8 {F80=0};
    enum F8 f80=1;
    char utf[]="h\303\251llo \342\202\254 \360\237\230\200 bad\303 \302\205 \342\200\213 \xef\xbf\xbd end";
    wchar_t wu[]=L"é€\x1F600 \x85 \x200b";
    char16_t u16[]=u"é€\xd83d\xde00 \xd83d x";
    char32_t u32[]=U"é€\x1F600 \x110000 z";
    char *pu="\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251x";
    char ctl[]="a\a\b\f\v\r\e\0011x\1778\0019";
    char hexesc[]="\377a\3779";
    wchar_t wbig[]={0x110000,0xffffffff,0x1ff,0x200,'a','9',0};
    wchar_t w9[]={0x20ac,'a','9','g',0};
    wchar_t ww=0xe9;
    char16_t h16=0x20ac;
    char32_t h32=0x1f600;
    wchar_t wneg=-1;
    char16_t hs=0xd83d;
    wchar_t wctl=7,wq='\'';
    char flexz[0];
    struct Z{int n;int z[0];struct{}e;} zz;
    int zl[0];
    struct E{} earr[3];
    struct FA{int n; struct P p[];} fa={1};
    long long ll=-9223372036854775807LL-1;
    unsigned long ul=~0ul;
    short sh=-3;
    unsigned short ush=65535;
    __int128 mi=(__int128)1<<127;
    unsigned __int128 mx=~(unsigned __int128)0;
    struct BF{unsigned a:1,b:2; signed c:3; _Bool d:1; enum F2 e:4; unsigned long long f:40; char
      g:4; int :5; int z:32;} bf={1,2,-2,1,3,0xffffffffffull,-3,9};
    typedef struct {int x;} Anon;
    Anon anon={1};
    Anon *panon=&anon;
    struct {int y;} an2={2},*pan2=&an2;
    union{int z;}un={3};
    union {int z;} *pun=&un;
    enum F2*pe=&fx;
    enum {Q1,Q2} q1=Q2,*pq1=&q1;
    int *(*fnp)(char*,const struct P*,...)=0;
    void (*sig[2])(int);
    int (*(*pfa)[3])(void);
    int (*(*retfp)(int))(double);
    void (*noproto)();
    char (*pc5)[5];
    const int *const *const cpp;
    int *restrict rp;
    int *volatile vp;
    _Atomic int ai=3;
    const volatile int cvi=4;
    typedef int I;
    typedef I *PI;
    PI pi;
    I *pi2;
    typedef int (*FP)(int);
    FP tfp;
    FP *ptfp;
    typedef int ARR[3];
    ARR arr={1,2,3};
    ARR *parr=&arr;
    char **argvv;
    char *cstar;
    unsigned char *ucs;
    void **vpp;
    long unsigned int *lup;
    const char *const *ccc;
    char carr[2][3][4];
    int (*pmd)[2][3];
    const ARR carr2={1,1,2};
    const ARR*pcarr;
    void (*vvoid)(void);
    int (*vararg)(int,...);
    struct P (*rets)(struct P);
    enum F2 (*rete)(void);
    _Bool *pb;
    __int128 *pi128;
    long double *pld;
    float _Complex *pfc;
    wchar_t *pwc;
    int (*const cfp)(int)=0;
    const struct P cps={5};
    const struct P *pcps=&cps;
    volatile struct P*vps;
    float fs[]={0.5,1.25,3};
    float dn=1e-45f;
    double den=5e-324, dmx=1.7976931348623157e308, tiny=1e-7, mid=0.0001, mid2=0.00001234,
      e17=1e17,e16b=12345678901234567.0,e15=1e15,hund=100, half=.5, third=1/3.;
    _Float128 q2=1/3.0Q;
    long double ldn=3.6e-4951L, ldmax=1.18973149535723176502e+4932L;
    _Float16 hf=65504;
    _Float16 hm=0.00006;
    signed char nsc[]="abc";
    int8_t ia8[20]={1,2};
    uint8_t ua8[3]={65,66,67};
    uint8_t *pu8=ua8;
    int8_t i8=65;
    uint16_t u16i=65;
    typedef uint8_t MAC[6];
    MAC mac={0x52,0x54,0,0x12,0x34,0x56};
    struct Str{char a[16]; uint8_t b[16]; char c[200]; char d[201];char e[250];} str={"abc",{1},
      "","x"};
    int main(){return 0;}
    """#

}
