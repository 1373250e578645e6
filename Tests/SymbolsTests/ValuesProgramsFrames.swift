extension ValuesPrograms {
  /// C++: classes, references, member pointers, the standard library.
  static let classes = #"""
    #include <string>
    #include <vector>
    #include <map>
    #include <memory>
    #include <cstddef>
    #include <functional>
    struct A{int a; static int cnt; void f(){} virtual int vf(int){return 1;} virtual ~A(){} int
      g(int) const{return 0;}};
    int A::cnt=7;
    struct B{int b=2;};
    struct E{};
    struct D:A,B,E{int d=3; int &r; D():r(cnt){} const static int K=5; static const double KD;int
      vf(int)override{return 2;}};
    const double D::KD=2.5;
    D d;
    A*pa=&d;
    D&rd=d;
    int ival=5;
    int&ri=ival;
    int&&rri=5;
    const int&cri=ival;
    D*pd=&d;
    B*pb=&d;
    E e;
    struct EE:E{}ee;
    struct EB:B{}eb;
    struct EBE:B{E x;}ebe;
    struct V{int v=1;};
    struct V1:virtual V{int v1=2;};
    struct V2:virtual V{int v2=3;};
    struct VD:V1,V2{int vd=4;};
    VD vd;
    V1 v1;
    int A::*pm=&A::a;
    int D::*pmd=&D::d;
    int A::*pmn=nullptr;
    void (A::*pmf)()=&A::f;
    int (A::*pmv)(int)=&A::vf;
    int (A::*pmg)(int) const=&A::g;
    void (A::*pmfn)()=nullptr;
    int (D::*pmad)(int)=(int(D::*)(int))&A::g;
    std::string s="hi";
    std::vector<int> vec={1,2};
    std::unique_ptr<int> up;
    std::shared_ptr<int> sp;
    std::map<int,int> mp;
    std::function<int(int)> fn;
    enum class EC:unsigned char{X,Y=2};
    EC ec=EC::Y, ecu=EC(5);
    enum class EF{P=1,Q=2};
    EF ef=EF(3);
    enum EO{O1,O2};
    EO eo=O2;
    struct N{enum NE{N1,N2=2} ne=N2; enum class NC{Z}nc=NC::Z;} n;
    namespace ns{ struct S{int x=1;}; S s; enum E2{EA,EB}; E2 e2=EB; int gv=3; namespace{int av=4;
      } int *pgv=&gv,*pav=&av; void nf(int){} void (*pnf)(int)=nf; template<class T> struct TT{T
      t; static T st;}; template<class T> T TT<T>::st=T(9); TT<int> ti={1}; TT<char*> tc;
      template<class T> T tf(T x){return x;} int(*ptf)(int)=tf<int>;}
    char8_t c8=u8'x';
    char8_t c8s[]=u8"u8\u20ac";
    const char8_t*c8p=u8"p8";
    char16_t c16='y';
    char32_t c32[3]=U"ab";
    wchar_t wc=L'z';
    bool bt=true;
    bool ba[]={true,false};
    struct Anon{union{int i;float f;};struct{int q;};int arr[2]={1,2};}anon;
    struct RS{int&r;const D&rd;int*p;}rs={ival,d,&ival};
    struct L{int x;int&r;};
    auto lam=[x=1,&ri2=ival](int y){return x+y+ri2;};
    int (&rarr)[2]=anon.arr;
    void fr(int){}
    void(&rf)(int)=fr;
    int*&rp=pa?rs.p:rs.p;
    const char*cs="cs";
    const char*&rcs=cs;
    char ca[4]="ca";
    char(&rca)[4]=ca;
    EC&rec=ec;
    double dd=1.5;
    double&rdd=dd;
    class Cl{int x=1;protected:int y=2;public:Cl*self=this;}cl;
    Cl*pcl=&cl;
    struct Inc;
    Inc*pinc;
    union U{int a;char c;}u={65};
    struct BF{bool b:1;EC e:4;int x:5;}bf={true,EC::Y,-3};
    A aa;
    void**vtbl=*(void***)&aa;
    struct HasStatic{static HasStatic self;static int arr[3];int x=4;}hs;
    HasStatic HasStatic::self;
    int HasStatic::arr[3]={1,2,3};
    thread_local int tl=4;
    long double ld=1;
    unsigned char uch='c';
    const volatile int cvi=3;
    int marr[2][2]={{1,2},{3,4}};
    D darr[2];
    std::pair<int,const char*> pr{1,"x"};
    struct PB:private B{using B::b;}pbb;
    template<int N,class T=int> struct TN{T a[N];};
    TN<3> tn={{1,2,3}};
    A*nullA;
    A**ppa=&pa;
    __attribute__((noipa)) void stop(){}
    int main(){ stop(); d.f(); d.g(1);pm=&A::a; return
      vd.v+(int)lam(1)+d.cnt+tl+(int)D::KD+ns::TT<int>::st+(ns::TT<char*>::st!=nullptr);}
    """#

  /// C: stops in functions whose arguments the compiler kept, moved or dropped.
  static let frames = #"""
    #include <stdlib.h>
    #include <stdio.h>
    #define NI __attribute__((noinline,noclone,noipa))
    #define AI static inline __attribute__((always_inline))
    struct P{int x,y;};
    struct Big{long a[10];};
    union U{int i;float f;};
    enum Color{RED,GREEN};
    volatile int sink; volatile double dsink;
    NI void stop(int code){ sink=code; }
    NI int lost(int val,int other){ sink=val; stop(1); return sink+other; }
    NI int different(int val){ val+=1; sink=val; stop(val); return val+sink; }
    NI int equal(int val,char*str,double d,float f){ stop(2); sink=val; puts(str); dsink=d+f; return val; }
    NI int born(void){ int val=sink; stop(3); return val; }
    NI int st(struct P p,struct Big b,union U u,struct P*pp){ stop(4); return p.x+b.a[3]+u.i+pp->x; }
    NI int stackargs(int a,int b,int c,int d,int e,int f,int g,long h,struct P p){ stop(5); return a+b+c+d+e+f+g+h+p.y; }
    NI int ind(int v){ stop(6); return v*2; }
    NI int sra(int a,int b){ struct P p={a,b}; struct P q={a+1,sink}; int arr[2]={a,b}; stop(7); return p.x+q.x+sink+arr[0]; }
    NI int tail2(int x){ stop(8); return x+sink; }
    NI int tailc(int x){ if(sink==77) puts("x"); return tail2(x*3); }
    NI int rec(int n){ if(n==0) stop(9); return n?n+rec(n-1)+sink:0; }
    NI int ref(int*p){ stop(10); return *p; }
    AI int inl(int a,struct P*p){ int loc=a*2; p->x=loc; stop(12); return loc+p->x; }
    NI int hostinl(int q){ struct P pl={q,2}; int r=inl(q,&pl); return r+pl.y; }
    AI int inl2(int a,int b){ a+=sink; b+=sink; stop(b); return sink+a; }
    NI int host2(int a,int b){ return inl2(a,b)+sink; }
    NI int cst(void){ const int k=5; static int s=3; int un; struct P p={sink,1};
     { int inner=4,alpha=sink,beta=2,gamma_=3,delta=4,eps=5,aXb=7,_x=8,a__b=9;
      { int deeper=inner+sink; stop(13); s+=deeper;}
      sink=inner+alpha+beta+gamma_+delta+eps+aXb+_x+a__b; } return k+s+p.x; }
    NI int ld(long double x,__int128 y,_Complex double z,float f,_Bool b,char c,unsigned char u,short s){ stop(15); return x+y+f+b+c+u+s; }
    NI int deref(int v,long l,char*s){ for(int i=0;i<v;i++) sink=i; s++; l=l*2; stop(l+s[0]); return v; }
    NI int sbv(struct P s,struct P*q){ s.x=3; sink=s.x; stop(1); return 1; }
    NI int two(int x){ return x+lost(x*2,x+1); }
    NI int mod(const char*s,double d,float f,char c,_Bool b,unsigned char*u){ s+=1;d=d*2;f=f+1; c++; b=!b;
     stop(*s+d+f+c+b); puts(s); sink=d*f*c*b; return *u; }
    __asm__(".globl undef\n.type undef,@function\nundef: .cfi_startproc\n .cfi_undefined 3\n .cfi_undefined 6\n"
     " push %rbx\n .cfi_adjust_cfa_offset 8\n mov $7,%edi\n call stop\n pop %rbx\n"
     " .cfi_adjust_cfa_offset -8\n ret\n.cfi_endproc\n .size undef,.-undef\n");
    void undef(void);
    #ifndef __OPTIMIZE__ // its callers would be lost with the frame pointer
    #define undef()
    #endif
    NI int user(int x,int y){ int l=x*2; undef(); sink=x; sink=y; return l; }
    NI int locals(int n){ char buf[32]="text"; struct P ps[3]={{n,1},{2,3}}; double d=n*1.5; char*null=0;
     char*bad=(char*)8; int*ip=&ps[1].y; struct Big big={{n}}; unsigned char mac[6]={1,2,3,4,5,6};
     enum Color e=GREEN; void(*f)(int)=stop; char big2[70000]; big2[0]=n;
     stop(14); sink=buf[0]+ps[0].x+d+*ip+big.a[0]+mac[0]+e+big2[n]; return null==bad; }
    NI int vla(int n){ char buf[n+5]; int m[n+1][2]; buf[0]='x';buf[1]=0;m[0][0]=1;m[n][1]=2; stop(16);
     return buf[n-1]+m[0][1]+m[n][1]; }
    int (*volatile fp)(int)=ind;
    int main(int argc,char**argv){ int loc=argc*3; struct P p={1,2}; struct Big b={{1,2,3}}; union U u={7};
     int r=lost(5,6)+loc; r+=different(5); r+=equal(5,"str",2.5,1.5f); r+=born(); r+=st(p,b,u,&p);
     r+=stackargs(1,2,3,4,5,6,7,8,p); r+=fp(3)+loc; r+=sra(8,9); r+=tail2(200)+1; r+=tailc(5)+1;
     r+=rec(3); r+=ref(&loc); r+=hostinl(argc); r+=host2(argc,argc+9); r+=cst();
     r+=ld(1.5L,7,1.0+2.0i,2.5f,1,'c',200,-3); r+=lost(argc,loc); r+=deref(3,argc,argv[0]); r+=sbv(p,&p);
     r+=two(argc); r+=mod(argv[0],2.5,1.25f,'a',1,(unsigned char*)argv[0]); r+=user(argc,argc+1);
     r+=locals(argc); r+=vla(argc); return r&1; }
    """#

  /// C++: the same with references, methods, templates and lambdas.
  static let methods = #"""
    #define NI __attribute__((noinline,noclone,noipa))
    volatile int sink;
    struct S{int a,b; NI int meth(int k); static int stm;}; int S::stm=4;
    namespace ns{ struct T{ int v; virtual NI int vm(int k); virtual ~T(){} }; }
    NI void stop(int code){ sink=code; }
    NI int byref(int&r,const S&s,int&&rv){ stop(1); r=3; return r+s.a+rv; }
    NI int reflost(int&r){ int k=r; stop(2); return k; }
    int S::meth(int k){ stop(3); return a+k; }
    int ns::T::vm(int k){ stop(k); return v+k; }
    static inline __attribute__((always_inline)) int inlref(int&r,S&s){ r=sink; s.a=r; stop(5); return r+s.a; }
    NI int hostref(int q){ int l=q; S s={q,1}; return inlref(l,s)+l; }
    template<class X> NI X tmpl(X x,X*y){ stop(6); return x+*y; }
    enum class EC{A,B}; enum EF{F1=1,F2=2,F4=4};
    NI int en(EC e,bool b,char16_t c,int S::*pm,EF f){ stop(7); return (int)e+b+c+(pm!=nullptr)+f; }
    NI int many(S s,S&rs,S*ps,int(&ra)[2],const char*const&cs){ stop(8); return s.a+rs.b+ps->a+ra[1]+cs[0]; }
    NI int loc(int n){ S s={n,2}; S&r=s; const S&cr=s; int&&rr=n+1; auto lam=[&](int k){ stop(9); return k+s.a; };
     ns::T t; t.v=n; EC ec=EC::B; int x=lam(n); sink=r.a+cr.b+rr+t.v+(int)ec; return x; }
    int main(int argc,char**argv){ int l=argc; S s={1,2}; ns::T t; t.v=3; int arr[2]={1,2}; const char*cs="cs";
     int r=byref(l,s,5)+l; r+=reflost(l)+l; r+=s.meth(argc); r+=t.vm(argc)+t.v; r+=hostref(argc);
     r+=tmpl<int>(3,&l)+l; r+=en(EC::B,true,u'x',&S::b,EF(5))+l; r+=many(s,s,&s,arr,cs)+l+s.a+arr[0]; r+=loc(argc);
     return r&1; }
    """#
}
