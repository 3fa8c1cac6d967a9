"""The blog's service: FastAPI over an asynchronous SQLAlchemy session."""
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from models import Post, User

engine = create_async_engine("sqlite+aiosqlite:///blog.db")
Session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session():
    async with Session() as session:
        yield session


@app.get("/users/{user_id}/posts")
async def user_posts(user_id: int, session: AsyncSession = Depends(get_session)):
    statement = select(Post).where(Post.user_id == user_id).order_by(Post.created.desc())
    return (await session.scalars(statement)).all()


@app.get("/users")
async def users(session: AsyncSession = Depends(get_session)):
    result = await session.execute(select(User).options(selectinload(User.posts)).order_by(User.name))
    return result.scalars().all()


@app.get("/statistics")
async def statistics(session: AsyncSession = Depends(get_session)):
    statement = (
        select(User.name, func.count(Post.id).label("posts"))
        .join(User.posts, isouter=True)
        .group_by(User.name)
        .order_by(func.count(Post.id).desc())
    )
    return [dict(row) for row in (await session.execute(statement)).mappings()]


@app.post("/users/{user_id}/posts")
async def write(user_id: int, title: str, session: AsyncSession = Depends(get_session)):
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(404)
    post = Post(title=title, user_id=user.id)
    session.add(post)
    await session.commit()
    await session.refresh(post)
    return post.id
